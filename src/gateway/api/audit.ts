import { Injectable, SetMetadata } from '@nestjs/common';

import { isSessionId } from '../../lifecycle/session-id.js';
import { Logger } from '../../platform/logger.js';
import { codeOf } from '../problem.js';
import { type AdmittedRequest, requestIdOf } from './admitted-request.js';

/** What is audited, in the words of the log. */
export type AuditedAction =
  'session.open' | 'session.end' | 'session.keepalive' | 'session.logs' | 'session.events' | 'sessions.list';

export interface AuditRule {
  action: AuditedAction;
  /** Some calls are of interest only when they look at what is not the caller's. */
  when?: (request: AdmittedRequest) => boolean;
}

export const AUDIT_RULE = Symbol('AUDIT_RULE');

/** One line in the log for each call of this route, whether it was let through or refused. */
export const Audited = (action: AuditedAction, when?: AuditRule['when']) =>
  SetMetadata(AUDIT_RULE, { action, when } satisfies AuditRule);

/** Who, what, which id, outcome. Never what a request carried: bodies and headers may hold secrets. */
@Injectable()
export class Audit {
  constructor(private readonly logger: Logger) {}

  /** `error`: what the call was refused with; left out, it went well. */
  record({ action, when }: AuditRule, request: AdmittedRequest, error?: unknown): void {
    if (when && !when(request)) return;
    const { id } = request.params;
    this.logger.info({
      event: 'audit',
      who: request.caller?.owner,
      isAdmin: request.caller?.isAdmin,
      what: action,
      // An illegal id names no session and may hold anything.
      sessionId: typeof id === 'string' && isSessionId(id) ? id : undefined,
      outcome: error === undefined ? 'ok' : codeOf(error),
      requestId: requestIdOf(request),
    });
  }
}
