import { newState, type SessionState } from './session-state.js';
import { Session } from './session.js';

/** A disk whose saves finish when the test says so. */
class SlowDisk {
  readonly saved: SessionState[] = [];
  private finish?: (error?: Error) => void;

  readonly save = (state: SessionState): Promise<void> =>
    new Promise((resolve, reject) => {
      if (this.finish) throw new Error('two saves at once');
      this.finish = (error) => {
        this.finish = undefined;
        if (error) return reject(error);
        this.saved.push(state);
        resolve();
      };
    });

  end(error?: Error): void {
    this.finish?.(error);
  }
}

describe('a session', () => {
  let disk: SlowDisk;
  let session: Session;
  beforeEach(() => {
    disk = new SlowDisk();
    session = new Session(newState('s1', new Date()), disk.save);
  });

  it('shows and answers an execute only once it is saved', async () => {
    const answer = session.execute({ a: 1 });
    expect(session.state.executions).toBe(0);
    disk.end();
    await expect(answer).resolves.toMatchObject({ previous: null, state: { executions: 1, data: { a: 1 } } });
    expect(session.state.executions).toBe(1);
  });

  it('saves together what gathers during a save, in the order of arrival', async () => {
    const first = session.execute([1]);
    const later = [session.execute([2]), session.execute([3])];
    disk.end();
    await first;
    await Promise.resolve();
    disk.end();
    await expect(Promise.all(later)).resolves.toMatchObject([
      { previous: [1], state: { executions: 2, data: [2] } },
      { previous: [2], state: { executions: 3, data: [3] } },
    ]);
    expect(disk.saved.map((state) => state.executions)).toEqual([1, 3]);
  });

  it('undoes executes that could not be saved', async () => {
    const lost = session.execute({ a: 1 });
    disk.end(new Error('no space left on device'));
    await expect(lost).rejects.toThrow('no space left');
    const next = session.execute({ b: 2 });
    disk.end();
    await expect(next).resolves.toMatchObject({ previous: null, state: { executions: 1, data: { b: 2 } } });
  });

  it('refuses the requests of another session', () => {
    expect(() => session.admit('s2', undefined)).toThrow('another session');
    session.admit('s1', undefined);
    session.admit(undefined, undefined);
  });

  it('refuses requests for an earlier generation than one it has heard of', () => {
    session.admit('s1', 2);
    expect(() => session.admit('s1', 1)).toThrow('later generation');
    session.admit('s1', 2);
    session.admit('s1', 3);
  });

  it('belongs for good to the first session it hears of, and keeps that on disk', () => {
    session = new Session(newState(null, new Date()), disk.save);
    session.admit('warm', undefined);
    expect(() => session.admit('other', undefined)).toThrow('another session');
    disk.end();
    expect(disk.saved).toMatchObject([{ sessionId: 'warm', executions: 0 }]);
  });

  it('does not forget its session when an execute was on its way as it learned of it', async () => {
    session = new Session(newState(null, new Date()), disk.save);
    const early = session.execute(1);
    session.admit('warm', undefined);
    disk.end();
    await early;
    expect(session.state.sessionId).toBe('warm');
    expect(() => session.admit('other', undefined)).toThrow('another session');
  });
});
