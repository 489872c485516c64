import { sessionId } from '../../../test/support/openings.js';
import { session } from '../../../test/support/sessions.js';
import type { Session } from '../session.js';
import type { SessionState } from '../session-states.js';
import type { SessionStore } from '../store/session-store.js';
import { SessionDirectory } from './session-directory.js';

const s = sessionId('s');
const at = (version: number, state: SessionState, id = s): Session => session({ id, version, state });

function directory() {
  const seen: string[] = [];
  const sessions = new SessionDirectory({} as SessionStore);
  sessions.onChange(({ id, version, state }, before) =>
    seen.push(`${id} ${version} ${state} after ${before?.version}`),
  );
  return { sessions, seen };
}

describe('the view of the sessions', () => {
  it('takes in what is newer than what it has, and nothing else', () => {
    const { sessions, seen } = directory();
    for (const known of [at(2, 'ready'), at(1, 'creating'), at(2, 'ready'), at(3, 'terminating')]) sessions.note(known);
    expect(sessions.find(s)).toMatchObject({ version: 3, state: 'terminating' });
    expect(seen).toEqual(['s 2 ready after undefined', 's 3 terminating after 2']);
  });

  /**
   * A replica asked for a session while another one ended it. It heard of the end first, for notifications have a
   * connection of their own; then came the answer, and the session stood there as ready for ever.
   */
  it('does not bring back what has ended for an older answer that comes in late', () => {
    const { sessions, seen } = directory();
    for (const known of [at(4, 'ready'), at(6, 'ended'), at(5, 'ready'), at(6, 'ended')]) sessions.note(known);
    expect(sessions.find(s)).toBeUndefined();
    expect(seen).toEqual(['s 4 ready after undefined', 's 6 ended after 4']);
  });

  it('does so neither for one that it never saw alive', () => {
    const { sessions } = directory();
    sessions.note(at(6, 'ended'));
    sessions.note(at(5, 'terminating'));
    expect(sessions.all()).toEqual([]);
  });

  it('sees a session that was opened again', () => {
    const { sessions } = directory();
    for (const known of [at(6, 'ended'), at(7, 'creating'), at(5, 'ready')]) sessions.note(known);
    expect(sessions.find(s)).toMatchObject({ version: 7, state: 'creating' });
  });

  it('is as large as what lives, whatever has come and gone', () => {
    const { sessions } = directory();
    const lives = sessionId('lives');
    sessions.note(at(1, 'ready', lives));
    for (let each = 0; each < 100_000; each += 1) {
      const id = sessionId(`s-${each}`);
      sessions.note(at(1, 'ready', id));
      sessions.note(at(2, 'ended', id));
    }
    expect(sessions.all().map(({ id }) => id)).toEqual([lives]);
    expect(sessions.remembered()).toBeLessThanOrEqual(10_000);
    // The latest are those about which something may still be on its way.
    sessions.note(at(1, 'ready', sessionId('s-99999')));
    expect(sessions.all()).toHaveLength(1);
  });
});
