import { Global, Module } from '@nestjs/common';
import { register, Registry } from 'prom-client';

/** The one registry. Each module declares its own series on it, see the `*.metrics.ts` files. */
@Global()
@Module({ providers: [{ provide: Registry, useValue: register }], exports: [Registry] })
export class MetricsModule {}
