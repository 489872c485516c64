import { StandardSchemaValidationPipe } from '@nestjs/common';

import { LifecycleError } from '../../lifecycle/lifecycle.errors.js';

interface Issue {
  message: string;
  path?: readonly (PropertyKey | { key: PropertyKey })[];
}

/** A megabyte of unknown names is not repeated to its sender. */
const LONGEST_SENTENCE = 500;

/** Validates whatever a controller declares with `{ schema }`. Without it as a global pipe Nest ignores the schemas. */
export const validationPipe = new StandardSchemaValidationPipe({
  exceptionFactory: (issues: readonly Issue[]) => new LifecycleError('INVALID_REQUEST', sentenceOf(issues)),
});

function sentenceOf(issues: readonly Issue[]): string {
  const sentence = issues.map(({ path, message }) => [pathOf(path), message].filter(Boolean).join(': ')).join('; ');
  return sentence.length > LONGEST_SENTENCE ? `${sentence.slice(0, LONGEST_SENTENCE)}…` : sentence;
}

function pathOf(path: Issue['path'] = []): string {
  return path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
}
