import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';

import { Authenticator } from '../auth/authenticator.js';
import { RateLimiter } from '../rate-limiter.js';
import { type AdmittedRequest, sessionIdOf } from './admitted-request.js';
import { Audit, AUDIT_RULE, type AuditRule } from './audit.js';

/** The order of the checks: token, legality of the id, rate; nothing else of a request is read before. */
@Injectable()
export class CallerGuard implements CanActivate {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly rateLimiter: RateLimiter,
    private readonly audit: Audit,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<AdmittedRequest>();
    try {
      await this.admit(request);
      return true;
    } catch (error) {
      const rule = this.reflector.get<AuditRule | undefined>(AUDIT_RULE, context.getHandler());
      if (rule) this.audit.record(rule, request, error);
      throw error;
    }
  }

  private async admit(request: AdmittedRequest): Promise<void> {
    request.caller = await this.authenticator.authenticate(request);
    if (request.params.id !== undefined) sessionIdOf(request);
    this.rateLimiter.pass(request.caller.owner);
  }
}
