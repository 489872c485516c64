import type { Pod, PodAssignment } from '../../src/lifecycle/runtime/pod.js';
import { podName } from '../../src/lifecycle/runtime/pod-name.js';
import type { Session } from '../../src/lifecycle/session.js';

/** A cold pod of this assignment, made but not reachable yet. */
export function pod(assignment: PodAssignment, facts: Partial<Pod> = {}): Pod {
  return {
    name: podName(assignment.id, assignment.generation),
    uid: `uid-of-${assignment.id}-${assignment.generation}`,
    revision: '1',
    template: assignment.template,
    templateHash: 'hash-of-the-template',
    assignment,
    phase: 'starting',
    restarts: 0,
    deleting: false,
    createdAtMs: assignment.openedAtMs,
    wasWarm: false,
    ...facts,
  };
}

/** The pod that this session's creation brings about. */
export function podOf(session: Session, facts: Partial<Pod> = {}): Pod {
  return pod(assignmentOf(session), facts);
}

export function assignmentOf(session: Session): PodAssignment {
  const { id, owner, generation, opening, template, env, idleTimeoutMs, maxLifetimeMs, openedAtMs } = session;
  return { id, owner, generation, opening, template, env, idleTimeoutMs, maxLifetimeMs, openedAtMs };
}
