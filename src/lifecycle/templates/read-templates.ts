import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { z } from 'zod';

import { StartFault } from '../../config/start-fault.js';
import type { Settings } from '../../config/settings.schema.js';
import { type TemplateDefinition, templateSchema } from './template.js';
import { DEFAULT_TEMPLATE } from './templates.js';

const TEMPLATE_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** The file of TEMPLATES_PATH has mistakes; each is named with its path in the file. */
export class TemplatesFileError extends StartFault {
  override name = 'TemplatesFileError';

  constructor(path: string, faults: readonly string[], options?: ErrorOptions) {
    super(`The templates of ${path} cannot be used:\n  ${faults.join('\n  ')}`, options);
  }
}

const fileSchema = z.strictObject({
  templates: z.record(
    z.string().regex(TEMPLATE_NAME, 'is not a name: use a-z, 0-9 and - within, at most 63'),
    templateSchema.nullish().transform((definition) => definition ?? templateSchema.parse({})),
  ),
});

/** The `default` template, unless the file has one of its own: the bundled application, or what the settings name. */
export function builtInTemplate(settings: Settings): TemplateDefinition {
  const requests = { cpu: settings.SESSION_POD_CPU_REQUEST, memory: settings.SESSION_POD_MEMORY_REQUEST };
  const limits = { cpu: settings.SESSION_POD_CPU_LIMIT, memory: settings.SESSION_POD_MEMORY_LIMIT };
  return templateSchema.parse({
    image: settings.SESSION_POD_IMAGE,
    command: settings.SESSION_POD_COMMAND,
    resources: { requests, limits },
  });
}

/** What the file does not say of image (with its command), resources and port is as in `builtIn`. */
export function readTemplates(
  path: string | undefined,
  builtIn: TemplateDefinition,
): ReadonlyMap<string, TemplateDefinition> {
  const named = path === undefined ? {} : parseTemplates(path, readText(path));
  const byDefault = onTopOf(builtIn, named[DEFAULT_TEMPLATE] ?? {});
  const all = new Map(Object.entries(named).map(([name, definition]) => [name, onTopOf(byDefault, definition)]));
  return all.set(DEFAULT_TEMPLATE, byDefault);
}

/**
 * A template without a command or image of its own runs what the default one runs, and has its limits. A command belongs
 * to its image: with another one it is what that image says.
 */
function onTopOf(base: TemplateDefinition, definition: Partial<TemplateDefinition>): TemplateDefinition {
  const { image, command, resources, port } = base;
  const program = definition.image === undefined ? { image, command } : {};
  return templateSchema.parse({ ...program, resources, port, ...definition });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new TemplatesFileError(path, [`the file cannot be read: ${(error as Error).message}`], { cause: error });
  }
}

export function parseTemplates(path: string, text: string): Readonly<Record<string, TemplateDefinition>> {
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors.length > 0)
    throw new TemplatesFileError(
      path,
      document.errors.map(({ message }) => message),
    );
  const parsed = fileSchema.safeParse(document.toJS());
  if (parsed.success) return parsed.data.templates;
  throw new TemplatesFileError(path, parsed.error.issues.flatMap(faultsOf));
}

const TYPES: Readonly<Record<string, string>> = {
  array: 'a list such as [node, server.js]',
  record: 'a list of names with values',
  object: 'a list of fields with values',
  string: 'a text (put it in quotes)',
  int: 'a whole number',
};

function faultsOf(issue: z.core.$ZodIssue): string[] {
  const where = issue.path.join('.') || 'the file';
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${where}.${key} is not a field of a template`);
  if (issue.code === 'invalid_key') return [`${where} ${issue.issues.map(({ message }) => message).join(', ')}`];
  if (issue.code === 'invalid_type') return [`${where} is not ${TYPES[issue.expected] ?? `a ${issue.expected}`}`];
  return [`${where}: ${issue.message}`];
}
