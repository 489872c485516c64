import { setTimeout as pause } from 'node:timers/promises';

import type { BerthProcess } from '../support/berth-process.js';
import { eventually } from '../support/eventually.js';
import { Fleet, LEASE } from '../support/fleet.js';
import { describeWithControlPlane } from '../support/kubernetes/index.js';
import { type Lead, LeaseWitness } from '../support/lease-witness.js';
import { type OpenUse, openSocket, openStream, openUpload } from '../support/open-uses.js';
import { isDone, PodWitness } from '../support/pod-witness.js';
import { expectUnbroken, SteadyUse } from '../support/steady-use.js';
import { writeTemplates } from '../support/templates-file.js';

const IDLE_MS = 4_000;
/** A candidate that fails to reach the API server pauses for a retry period and up to 1.2 of it more, by chance. */
const LONGEST_RETRY_MS = LEASE.retryMs * 2.2;
/** Processes of a busy machine get their turn late. */
const SLACK_MS = 3_000;
/** A lead is lost, another is taken, three heartbeats and two seconds are kept calm, and then all is reaped. */
const REAPED_MS = 45_000;
/** Time enough for every timer of a replica that wakes up to fire, and for what it asks then to be answered. */
const AWAKE_MS = 3_000;
const LEADER_EVENTS = ['leader.lost', 'session.reaped', 'pod.deleted', 'store.imported'];

describeWithControlPlane('three replicas, when their leader goes', () => {
  let fleet: Fleet;
  let lease: LeaseWitness;
  let pods: PodWitness;
  let leader: BerthProcess;
  let others: BerthProcess[];
  let uses: OpenUse[];
  let round = 0;
  const named = (name: string): string => `${name}-${round}`;

  beforeAll(async () => {
    const settings = {
      IDLE_TIMEOUT_SECONDS: String(IDLE_MS / 1_000),
      CLEANUP_INTERVAL_SECONDS: '1',
      SHUTDOWN_DRAIN_SECONDS: '2',
      TEMPLATES_PATH: writeTemplates(),
    };
    fleet = await Fleet.start({ replicas: 3, settings });
    lease = await LeaseWitness.of(fleet);
    pods = await PodWitness.of(fleet);
  }, 90_000);
  afterAll(async () => {
    await Promise.all([lease?.stop(), pods?.stop()]);
    await fleet?.stop();
  });

  /** Something of each kind is open through the replicas that stay. */
  beforeEach(async () => {
    round += 1;
    while (fleet.replicas.length < 3) await fleet.add();
    leader = await fleet.untilLed(30_000);
    others = fleet.others(leader);
    uses = await Promise.all([
      openStream(others[0]!, named('stream')),
      openSocket(others[1]!, named('socket')),
      openUpload(others[0]!, named('upload')),
    ]);
  }, 90_000);
  afterEach(() => uses.forEach((use) => use.close()));

  /** Used once, through all replicas in turn; from then on nobody uses them. */
  async function idleSessions(count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, (_, at) => named(`idle-${at}`));
    const answers = await Promise.all(ids.map((id, at) => fleet.replicas[at % 3]!.execute(id, at)));
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
    return ids;
  }

  async function untilReaped(ids: readonly string[]): Promise<void> {
    await eventually(async () => {
      const answers = await Promise.all(ids.map((id) => others[0]!.status(id)));
      expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 404));
      const left = ids.flatMap((id) => pods.podsOf(id)).filter((name) => !pods.isGone(name));
      expect(left).toEqual([]);
    }, REAPED_MS);
  }

  async function nextLead(before: readonly Lead[]): Promise<Lead> {
    return eventually(() => {
      const lead = lease.leads()[before.length];
      expect(lead).toBeDefined();
      return lead!;
    }, 30_000);
  }

  /** By what everyone wrote: a lead is taken only when it was given up, or when its time was over. */
  function expectOneLeaderAtAnyTime(): void {
    const leads = lease.leads();
    for (const [at, lead] of leads.slice(1).entries()) {
      const before = leads[at]!;
      const freeFromMs = before.releasedAtMs ?? before.renewedAtMs + LEASE.durationMs;
      expect(lead.fromMs).toBeGreaterThanOrEqual(freeFromMs);
      expect(lead.transitions).toBeGreaterThan(before.transitions);
    }
  }

  /** What was in use all the while is as it was; of what was idle each pod was deleted once. */
  async function expectNoHarm(reaped: readonly string[]): Promise<void> {
    for (const { id, works } of uses) {
      await works();
      expect({ id, pods: pods.podsOf(id).length, condemned: pods.condemnedOf(id) }).toEqual({
        id,
        pods: 1,
        condemned: [],
      });
    }
    // The audit log is written a moment after the answer.
    await eventually(() => {
      const deleted = pods.deleted();
      const names = reaped.flatMap((id) => pods.podsOf(id));
      expect(names.map((name) => deleted.filter((one) => one === name).length)).toEqual(names.map(() => 1));
    });
    expect(new Set(pods.deleted()).size).toBe(pods.deleted().length);
  }

  it('find another one when it is killed, within the lease and two retries', async () => {
    const before = lease.leads();
    const ids = await idleSessions(6);
    await leader.kill9();
    fleet.forget(leader);

    const lead = await nextLead(before);
    const lost = before.at(-1)!;
    expect(lead.fromMs - lost.renewedAtMs).toBeLessThan(LEASE.durationMs + 2 * LONGEST_RETRY_MS + SLACK_MS);
    await untilReaped(ids);
    await expectNoHarm(ids);
    expectOneLeaderAtAnyTime();
  }, 120_000);

  it('find another one within two seconds when it is asked to stop', async () => {
    const before = lease.leads();
    const ids = await idleSessions(6);
    const askedAtMs = Date.now();
    const stopping = leader.stop();
    fleet.forget(leader);

    const lead = await nextLead(before);
    const { releasedAtMs } = lease.leads()[before.length - 1]!;
    expect(releasedAtMs).toBeDefined();
    expect(lead.fromMs - askedAtMs).toBeLessThan(2_000);
    expect(await stopping).toMatchObject({ code: 0 });
    await untilReaped(ids);
    await expectNoHarm(ids);
    expectOneLeaderAtAnyTime();
  }, 120_000);

  it('find another one when it is paused, and it does nothing as a leader when it wakes up', async () => {
    const before = lease.leads();
    const ids = await idleSessions(6);
    // Its reaper wakes up with all of them due.
    await pause(IDLE_MS / 2);
    process.kill(leader.pid, 'SIGSTOP');
    fleet.forget(leader);
    try {
      const lead = await nextLead(before);
      const lost = lease.leads()[before.length - 1]!;
      expect(lead.fromMs - lost.renewedAtMs).toBeLessThan(LEASE.durationMs + 2 * LONGEST_RETRY_MS + SLACK_MS);
      await untilReaped(ids);
      // What it believes to be due is in use again, and nothing else in the namespace is to be ended.
      const again = await Promise.all(ids.map((id, at) => openSocket(others[at % 2]!, id)));
      const written = leader.logLines().length;
      const wokenAtMs = Date.now();
      process.kill(leader.pid, 'SIGCONT');
      await eventually(() => expect(leadingEvents(leader, written)).toContain('leader.lost'), 10_000);
      await pause(AWAKE_MS);

      expect(leadingEvents(leader, written)).toEqual(['leader.lost']);
      const done = pods.writes(wokenAtMs).filter(({ responseStatus }) => isDone(responseStatus));
      expect(done.map(({ verb, objectRef }) => `${verb} ${objectRef?.name}`)).toEqual([]);
      for (const { id, works } of again) {
        await works();
        expect(pods.podsOf(id)).toHaveLength(2);
        expect(pods.condemnedOf(id)).toHaveLength(1);
      }
      again.forEach((use) => use.close());
    } finally {
      process.kill(leader.pid, 'SIGCONT');
      fleet.replicas.push(leader);
    }
    await expectNoHarm([]);
    expectOneLeaderAtAnyTime();
    expect(await leader.execute(named('after'), 1)).toMatchObject({ status: 200, body: { executions: 1 } });
  }, 120_000);

  it('carry on what it was paused in the middle of, and it cannot finish it when it wakes up', async () => {
    const before = lease.leads();
    const ids = await idleSessions(16);
    const marked = (): string[] => ids.flatMap((id) => pods.condemnedOf(id));
    await eventually(() => expect(marked()).not.toEqual([]), REAPED_MS);
    process.kill(leader.pid, 'SIGSTOP');
    fleet.forget(leader);
    try {
      // Half of them are wanted again at once, whatever had been done to them by then.
      const wanted = ids.slice(0, 8);
      const again = wanted.map((id, at) => new SteadyUse(others[at % 2]!, id));
      await nextLead(before);
      await untilReaped(ids.slice(8));
      process.kill(leader.pid, 'SIGCONT');
      await eventually(async () => expect(await leader.call('GET', '/health/live')).toMatchObject({ status: 200 }));
      await pause(AWAKE_MS);
      for (const used of await Promise.all(again.map((use) => use.stop()))) expectUnbroken(used, used[0]?.generation);
    } finally {
      process.kill(leader.pid, 'SIGCONT');
      fleet.replicas.push(leader);
    }
    await untilReaped(ids);
    await expectNoHarm(ids);
    expectOneLeaderAtAnyTime();
  }, 120_000);
});

function leadingEvents(replica: BerthProcess, from: number): string[] {
  const events = replica
    .logLines()
    .slice(from)
    .map(({ event }) => String(event));
  return events.filter((event) => LEADER_EVENTS.includes(event));
}
