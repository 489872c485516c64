/**
 * Lets a plain Node process run the sources as they are: `node --import ./typescript.mjs program.mjs`. For tests that
 * have to kill the process which holds the product's classes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath, URL } from 'node:url';

import { transformSync } from '@swc/core';

registerHooks({
  resolve(specifier, context, next) {
    if (!/^\..*\.js$/.test(specifier)) return next(specifier, context);
    const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
    if (!existsSync(source)) return next(specifier, context);
    return { url: source.href, format: 'module', shortCircuit: true };
  },
  load(url, context, next) {
    if (!url.endsWith('.ts')) return next(url, context);
    const path = fileURLToPath(url);
    const { code } = transformSync(readFileSync(path, 'utf8'), { filename: path, module: { type: 'es6' } });
    return { format: 'module', source: code, shortCircuit: true };
  },
});
