import { type DynamicModule, Global, Module } from '@nestjs/common';

import type { Settings } from './settings.schema.js';

export const SETTINGS = Symbol('SETTINGS');

/** The settings of this process, checked before anything else is made. */
@Global()
@Module({})
export class ConfigModule {
  static with(settings: Settings): DynamicModule {
    return { module: ConfigModule, providers: [{ provide: SETTINGS, useValue: settings }], exports: [SETTINGS] };
  }
}
