import { Log } from './log.js';
import { startSessionPod } from './session-pod.js';
import { readSettings } from './settings.js';

/** The bundled session application: the second entry point of the image. */
async function main(): Promise<void> {
  const settings = readSettings();
  // Whoever reads the output may go away; a lost line is no reason to end a session.
  process.stdout.on('error', () => undefined);
  const log = new Log(settings.logLevel, (line) => process.stdout.write(line));
  const pod = await startSessionPod(settings, log);

  const stop = (signal: string): void => {
    log.info(`${signal}: finishing what is open`);
    void pod.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error: unknown) => {
  process.stderr.write(
    `the session application cannot start: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exit(1);
});
