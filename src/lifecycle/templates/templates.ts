import { createHash } from 'node:crypto';

import { LifecycleError } from '../lifecycle.errors.js';
import type { Asked } from '../sessions.js';
import type { Caller, Env, Opening } from '../session.js';
import type { Template, TemplateDefinition } from './template.js';

export const DEFAULT_TEMPLATE = 'default';

export interface TemplateDefaults {
  idleTimeoutMs: number;
  maxLifetimeMs: number;
  port: number;
  warmPoolSize: number;
}

/** The named templates, and what they allow. */
export class Templates {
  private readonly templates: ReadonlyMap<string, Template>;

  constructor(definitions: ReadonlyMap<string, TemplateDefinition>, defaults: TemplateDefaults) {
    this.templates = new Map(
      [...definitions].map(([name, definition]) => [name, complete(name, definition, defaults)]),
    );
  }

  find(name: string): Template | undefined {
    return this.templates.get(name);
  }

  /** What to open a session with; a refusal is the client's mistake. `standing`: the template it has, or would keep. */
  openingFor(asked: Asked, caller: Caller, standing: string = DEFAULT_TEMPLATE): Opening {
    const template = this.get(asked.template ?? standing);
    this.assertAllowed(template.name, caller);
    if (asked.env) assertEnvAllowed(template, asked.env);
    const { idleTimeoutMs, maxLifetimeMs } = template;
    return { asked, otherwise: { template: template.name, env: {}, idleTimeoutMs, maxLifetimeMs } };
  }

  /** A template may be kept for callers with a scope; that holds for using its sessions, not just for opening them. */
  assertAllowed(name: string, caller: Caller): void {
    const scope = this.templates.get(name)?.requiredScope;
    if (scope === undefined || caller.scopes.includes(scope)) return;
    throw new LifecycleError('FORBIDDEN', `Sessions of template ${name} need the scope ${scope}.`);
  }

  private get(name: string): Template {
    const template = this.templates.get(name);
    if (template) return template;
    throw new LifecycleError(
      'INVALID_REQUEST',
      `There is no template ${name}; there are ${[...this.templates.keys()].join(', ')}.`,
    );
  }
}

function assertEnvAllowed(template: Template, env: Env): void {
  const refused = Object.keys(env).filter((name) => !template.clientEnv.includes(name));
  if (refused.length === 0) return;
  throw new LifecycleError(
    'INVALID_REQUEST',
    `Template ${template.name} does not let clients set ${refused.join(', ')}.`,
  );
}

function complete(name: string, definition: TemplateDefinition, defaults: TemplateDefaults): Template {
  const { idleTimeoutSeconds, maxLifetimeSeconds, warmPoolSize, port, ...rest } = definition;
  return {
    ...rest,
    name,
    hash: createHash('sha256').update(JSON.stringify(definition)).digest('hex').slice(0, 16),
    port: port ?? defaults.port,
    idleTimeoutMs: idleTimeoutSeconds === undefined ? defaults.idleTimeoutMs : idleTimeoutSeconds * 1_000,
    maxLifetimeMs: maxLifetimeSeconds === undefined ? defaults.maxLifetimeMs : maxLifetimeSeconds * 1_000,
    warmPoolSize: warmPoolSize ?? defaults.warmPoolSize,
  };
}
