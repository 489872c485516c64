import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';

import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';
import type { Caller } from '../../lifecycle/session.js';
import type { SessionId } from '../../lifecycle/session-id.js';
import { Sessions } from '../../lifecycle/sessions.js';
import { generationOf } from '../proxy/preferences.js';
import { type AdmittedRequest, sessionIdOf } from './admitted-request.js';

/**
 * If-Session-Generation on a control call: nothing is done to a session that is another than the client thinks. The
 * comparison comes before the call and is not one with it: a pod replaced in between is not noticed here.
 */
@Injectable()
export class GenerationInterceptor implements NestInterceptor {
  constructor(private readonly sessions: Sessions) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<AdmittedRequest>();
    const expected = generationOf(request.headers['if-session-generation']);
    if (expected !== undefined && request.caller)
      await this.assertGeneration(sessionIdOf(request), request.caller, expected);
    return next.handle();
  }

  private async assertGeneration(id: SessionId, caller: Caller, expected: number): Promise<void> {
    const generation = await this.generationNow(id, caller);
    if (generation === expected) return;
    const found = generation === undefined ? 'there is no such session' : `it is at generation ${generation}`;
    throw new LifecycleError('GENERATION_MISMATCH', `Generation ${expected} was asked for, but ${found}.`);
  }

  private async generationNow(id: SessionId, caller: Caller): Promise<number | undefined> {
    try {
      return (await this.sessions.status(id, caller)).generation;
    } catch (error) {
      if (error instanceof LifecycleError && error.code === 'SESSION_NOT_FOUND') return undefined;
      throw error;
    }
  }
}
