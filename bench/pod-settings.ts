import { templateSchema } from '../src/lifecycle/templates/template.js';
import { Templates } from '../src/lifecycle/templates/templates.js';

export const POD_SETTINGS = {
  image: 'berth.test/session:1',
  cpuRequest: '100m',
  cpuLimit: '500m',
  memoryRequest: '128Mi',
  memoryLimit: '512Mi',
  startTimeoutMs: 600_000,
};

const defaults = { idleTimeoutMs: 600_000, maxLifetimeMs: 0, port: 8080, warmPoolSize: 0 };
export const TEMPLATE = new Templates(new Map([['default', templateSchema.parse({})]]), defaults).find('default')!;
