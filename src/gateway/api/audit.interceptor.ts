import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type Observable, tap } from 'rxjs';

import type { AdmittedRequest } from './admitted-request.js';
import { Audit, AUDIT_RULE, type AuditRule } from './audit.js';

/** Calls that got past the guard; those that did not are recorded by the guard, since no interceptor sees them. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(
    private readonly audit: Audit,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const rule = this.reflector.get<AuditRule | undefined>(AUDIT_RULE, context.getHandler());
    if (!rule) return next.handle();
    const request = context.switchToHttp().getRequest<AdmittedRequest>();
    return next.handle().pipe(
      tap({
        complete: () => this.audit.record(rule, request),
        error: (error: unknown) => this.audit.record(rule, request, error),
      }),
    );
  }
}
