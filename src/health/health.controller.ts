import { Controller, Get, Header } from '@nestjs/common';
import {
  HealthCheck,
  type HealthCheckResult,
  HealthCheckService,
  HealthIndicatorService,
  type HealthIndicatorResult,
} from '@nestjs/terminus';

import { Leadership } from '../leadership/leadership.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { LONGEST_SILENCE_MS } from '../lifecycle/view/pod-directory.js';
import { SessionStore } from '../lifecycle/store/session-store.js';
import { withoutAddresses } from '../platform/plain-words.js';
import { Secrets } from '../vault/secrets.js';
import type { ServerCertificate } from '../vault/server-certificate.js';
import { Readiness } from './readiness.js';

export abstract class HealthParts {
  abstract readonly store: SessionStore;
  abstract readonly leadership: Leadership;
  abstract readonly secrets: Secrets;
}

type Facts = Record<string, string | Record<string, string | undefined>>;

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly readiness: Readiness,
    private readonly lifecycle: Lifecycle,
    private readonly parts: HealthParts,
  ) {}

  /** This process runs: nothing outside it is asked. */
  @Get('live')
  @Header('cache-control', 'no-store')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.readyIndicator()]);
  }

  /** Everything that is needed, one by one; addresses are for the log. */
  @Get()
  @HealthCheck()
  all(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.readyIndicator(),
      () => this.store(),
      () => this.runtime(),
      () => this.leadership(),
      ...this.secretParts(),
    ]);
  }

  private async readyIndicator(): Promise<HealthIndicatorResult> {
    const obstacle = await this.readiness.obstacle();
    const indicator = this.indicators.check('ready');
    return obstacle === undefined ? indicator.up() : indicator.down(obstacle);
  }

  private async store(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('store');
    return this.parts.store.tally().then(
      ({ counted }) => indicator.up({ sessions: counted }),
      (error: unknown) => indicator.down(error instanceof Error ? withoutAddresses(error.message) : 'does not answer'),
    );
  }

  private runtime(): HealthIndicatorResult {
    const { pods } = this.lifecycle;
    const [ageMs, trouble] = [pods.ageMs(), pods.trouble()];
    const message = trouble && withoutAddresses(trouble);
    const indicator = this.indicators.check('runtime');
    if (ageMs === 'unsynced') return indicator.down(message ?? 'the pods are not known yet');
    const lastHeardOfSeconds = Math.round(ageMs / 1_000);
    if (message !== undefined) return indicator.down({ lastHeardOfSeconds, message });
    return ageMs > LONGEST_SILENCE_MS ? indicator.down({ lastHeardOfSeconds }) : indicator.up({ lastHeardOfSeconds });
  }

  /** Vault and the certificate where there are any, secrets always; by their names and versions. */
  private secretParts(): (() => HealthIndicatorResult)[] {
    const { vault, certificate, all } = this.parts.secrets;
    const shown = (name: string, wrong: string | undefined, facts: Facts = {}): HealthIndicatorResult => {
      const indicator = this.indicators.check(name);
      return wrong === undefined ? indicator.up(facts) : indicator.down({ ...facts, message: withoutAddresses(wrong) });
    };
    const versions = Object.fromEntries(all.map(({ name, version }) => [name, version]));
    const wrong = all.flatMap((secret) =>
      secret.whatIsWrong() === undefined ? [] : [`${secret.name}: ${secret.whatIsWrong()}`],
    );
    const parts = [() => shown('secrets', wrong.length > 0 ? wrong.join('; ') : undefined, { versions })];
    if (vault) parts.push(() => shown('vault', vault.whatIsWrong()));
    if (certificate) parts.push(() => shown('certificate', certificate.whatIsWrong(), endOf(certificate)));
    return parts;
  }

  private leadership(): HealthIndicatorResult {
    const { isLeader, leader } = this.parts.leadership.status();
    return this.indicators.check('leadership').up({ isLeader, leader });
  }
}

function endOf({ expiresAtMs }: ServerCertificate): Facts {
  return expiresAtMs === undefined ? {} : { expiresAt: new Date(expiresAtMs).toISOString() };
}
