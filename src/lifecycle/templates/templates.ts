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

  all(): readonly Template[] {
    return [...this.templates.values()];
  }

  find(name: string): Template | undefined {
    return this.templates.get(name);
  }

  /** What to open a session with; a refusal is the client's mistake. `standing`: the template it has, or would keep. */
  openingFor(asked: Asked, caller: Caller, standing?: string): Opening {
    const kept = standing !== undefined && this.templates.has(standing) ? standing : DEFAULT_TEMPLATE;
    const template = this.get(asked.template ?? kept);
    this.assertAllowed(template.name, caller);
    if (asked.env) assertEnvAllowed(template, asked.env);
    return { asked, ...this.openingOf(template, caller) };
  }

  /** What a plain request opens a session with that is not there. Whether the caller may is for the store to compare. */
  plainOpening(caller: Caller, bounds: Pick<Opening, 'onlyGeneration' | 'heldFor'>): Opening {
    return { asked: {}, ...this.openingOf(this.get(DEFAULT_TEMPLATE), caller), ...bounds };
  }

  private openingOf({ name, idleTimeoutMs, maxLifetimeMs }: Template, caller: Caller): Omit<Opening, 'asked'> {
    const offered = [...this.templates.keys()];
    const denied = offered.filter((template) => !this.isAllowed(template, caller));
    return { otherwise: { template: name, env: {}, idleTimeoutMs, maxLifetimeMs }, denied, offered };
  }

  /** A template may be kept for callers with a scope; that holds for using its sessions, not just for opening them. */
  assertAllowed(name: string, caller: Caller): void {
    if (!this.isAllowed(name, caller)) throw templateForbidden();
  }

  private isAllowed(name: string, caller: Caller): boolean {
    const scope = this.templates.get(name)?.requiredScope;
    return scope === undefined || caller.scopes.includes(scope);
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

export function templateForbidden(): LifecycleError {
  return new LifecycleError('FORBIDDEN', 'Sessions of this template need a scope that the token does not have.');
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
