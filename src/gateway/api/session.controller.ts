import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Post,
  Put,
  Query,
  Res,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type { Response } from 'express';

import type { Caller } from '../../lifecycle/session.js';
import type { SessionId } from '../../lifecycle/session-id.js';
import { Sessions, type SessionView } from '../../lifecycle/sessions.js';
import { Clock } from '../../platform/clock.js';
import { TheCaller, TheSessionId } from './admitted-request.js';
import { Audited } from './audit.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { CallerGuard } from './caller.guard.js';
import { begun, ControlStreams } from './control-streams.js';
import { eventFrames } from './event-frames.js';
import { GenerationInterceptor } from './generation.interceptor.js';
import { JsonBodyInterceptor } from './json-body.interceptor.js';
import { askedOf, type LogsQuery, logsSchema, type OpenBody, openSchema } from './session.dto.js';
import { sessionJson, type SessionJson } from './session-json.js';

@Controller('api/v1/session/:id')
@UseGuards(CallerGuard)
@UseInterceptors(AuditInterceptor, GenerationInterceptor)
export class SessionController {
  constructor(
    private readonly sessions: Sessions,
    private readonly streams: ControlStreams,
    private readonly clock: Clock,
  ) {}

  @Get('status')
  async status(
    @TheSessionId() id: SessionId,
    @TheCaller() caller: Caller,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SessionJson> {
    return shown(await this.sessions.status(id, caller), caller, response);
  }

  @Audited('session.open')
  @Put()
  @UseInterceptors(JsonBodyInterceptor)
  async open(
    @TheSessionId() id: SessionId,
    @TheCaller() caller: Caller,
    @Body({ schema: openSchema }) body: OpenBody,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SessionJson> {
    const { session, opened } = await this.sessions.open(id, caller, askedOf(body));
    response.status(opened ? 201 : 200).set('location', `/api/v1/session/${id}/status`);
    return shown(session, caller, response);
  }

  @Audited('session.end')
  @Delete()
  @HttpCode(204)
  async end(
    @TheSessionId() id: SessionId,
    @TheCaller() caller: Caller,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    await this.sessions.end(id, caller);
    response.set('x-session-id', id);
  }

  @Audited('session.keepalive')
  @Post('keepalive')
  @HttpCode(200)
  async keepalive(
    @TheSessionId() id: SessionId,
    @TheCaller() caller: Caller,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SessionJson> {
    return shown(await this.sessions.keepalive(id, caller), caller, response);
  }

  @Audited('session.logs')
  @Get('logs')
  async logs(
    @TheSessionId() id: SessionId,
    @TheCaller() caller: Caller,
    @Query({ schema: logsSchema }) { follow, tail }: LogsQuery,
    @Res() response: Response,
  ): Promise<void> {
    const signal = this.streams.signalFor(response);
    const view = await this.sessions.status(id, caller);
    const lines = await this.sessions.logs(id, caller, { follow, tailLines: tail, signal });
    // A follower is answered before there is anything to read.
    const pieces = follow ? lines : await begun(lines);
    setSessionHeaders(response, view);
    this.streams.send(response, 'text/plain; charset=utf-8', pieces, signal);
  }

  @Audited('session.events')
  @Get('events')
  async events(@TheSessionId() id: SessionId, @TheCaller() caller: Caller, @Res() response: Response): Promise<void> {
    const signal = this.streams.signalFor(response);
    const view = await this.sessions.status(id, caller);
    const events = await this.sessions.events(id, caller, signal);
    setSessionHeaders(response, view);
    this.streams.send(response, 'text/event-stream', eventFrames(events, caller, this.clock), signal);
  }
}

function shown(view: SessionView, caller: Caller, response: Response): SessionJson {
  setSessionHeaders(response, view);
  response.set('cache-control', 'no-store');
  return sessionJson(view, caller);
}

function setSessionHeaders(response: Response, { id, generation, restarts }: SessionView): void {
  response.set({
    'x-session-id': id,
    'x-session-generation': String(generation),
    'x-session-restarts': String(restarts),
  });
}
