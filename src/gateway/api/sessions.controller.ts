import { Controller, Get, Header, Query, UseGuards, UseInterceptors } from '@nestjs/common';

import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import type { Caller } from '../../lifecycle/session.js';
import { Sessions } from '../../lifecycle/sessions.js';
import { type AdmittedRequest, TheCaller } from './admitted-request.js';
import { Audited } from './audit.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { CallerGuard } from './caller.guard.js';
import { type ListQuery, listSchema } from './session.dto.js';
import { pageJson, type PageJson } from './session-json.js';

@Controller('api/v1/sessions')
@UseGuards(CallerGuard)
@UseInterceptors(AuditInterceptor)
export class SessionsController {
  constructor(private readonly sessions: Sessions) {}

  @Audited('sessions.list', looksAtOthers)
  @Get()
  @Header('cache-control', 'no-store')
  async list(@TheCaller() caller: Caller, @Query({ schema: listSchema }) query: ListQuery): Promise<PageJson> {
    const owner = ownerListed(caller, query.owner);
    return pageJson(await this.sessions.list(caller, { ...query, owner }), caller);
  }
}

/** Undefined is everybody, and only an admin gets so far. */
function ownerListed(caller: Caller, asked: string | undefined): string | undefined {
  if (caller.isAdmin) return asked;
  if (asked === undefined || asked === caller.owner) return caller.owner;
  throw new LifecycleError('FORBIDDEN', 'Sessions of another owner are listed with the scope `berth:admin` only.');
}

/** One's own sessions are nobody's business; whoever looks, or tries to look, at another's leaves a line. */
function looksAtOthers({ caller, query }: AdmittedRequest): boolean {
  return query.owner === undefined ? (caller?.isAdmin ?? false) : query.owner !== caller?.owner;
}
