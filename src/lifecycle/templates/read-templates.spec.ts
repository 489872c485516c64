import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parseTemplates, readTemplates } from './read-templates.js';
import { templateSchema } from './template.js';
import { Templates } from './templates.js';

const parse = (text: string) => parseTemplates('templates.yaml', text);

describe('a templates file', () => {
  it('names templates whose every field is optional', () => {
    expect(Object.keys(parse('templates:\n  default:\n  notebook: {idleTimeoutSeconds: 60}\n'))).toEqual([
      'default',
      'notebook',
    ]);
  });

  it.each([
    ['templates:\n  big: {comand: [node]}\n', 'templates.big.comand'],
    ['templates:\n  big: {command: node}\n', 'templates.big.command'],
    ['templates:\n  big: {idleTimeoutSeconds: 0}\n', 'templates.big.idleTimeoutSeconds'],
    ['templates:\n  big: {env: {PORT: "1"}}\n', 'templates.big.env'],
    ['templates:\n  big: {env: {A: 1}}\n', 'templates.big.env.A'],
    ['templates:\n  Big Name: {}\n', 'Big Name'],
    ['templates: [big]\n', 'templates'],
    ['pods: {}\n', 'pods'],
    ['templates:\n  big: {\n', 'line'],
    ['templates:\n  a: {}\n  a: {}\n', 'unique'],
  ])('with the mistake %j is refused with its place', (text, place) => {
    expect(() => parse(text)).toThrow(place);
  });

  it('names every mistake at once', () => {
    expect(() => parse('templates:\n  a: {port: 0}\n  b: {port: 99999}\n')).toThrow(
      /templates\.a\.port[^]*templates\.b\.port/,
    );
  });

  it('that cannot be read says so', () => {
    expect(() => readTemplates('/nowhere/templates.yaml', templateSchema.parse({}))).toThrow('/nowhere/templates.yaml');
  });
});

/** An Apache was started with the command of the bundled application, which is not in its image. */
describe('the command of a template', () => {
  const builtIn = templateSchema.parse({ image: 'berth:1', command: ['node', 'dist/session-pod/main.js'] });
  const read = (text: string) => {
    const path = join(mkdtempSync(join(tmpdir(), 'berth-templates-')), 'templates.yaml');
    writeFileSync(path, text);
    return readTemplates(path, builtIn);
  };

  it('is that of its image where it has an image of its own', () => {
    const { apache, plain } = Object.fromEntries(read('templates: {apache: {image: "httpd:2.4"}, plain: {}}'));
    expect(apache).toMatchObject({ image: 'httpd:2.4' });
    expect(apache!.command).toBeUndefined();
    expect(plain).toMatchObject({ image: 'berth:1', command: ['node', 'dist/session-pod/main.js'] });
  });

  it('is that of the default one where the file says what that is', () => {
    const templates = read(
      'templates: {default: {image: "own:1", command: [serve]}, other: {}, apart: {image: "x:1"}}',
    );
    expect(templates.get('default')).toMatchObject({ image: 'own:1', command: ['serve'] });
    expect(templates.get('other')).toMatchObject({ image: 'own:1', command: ['serve'] });
    expect(templates.get('apart')!.command).toBeUndefined();
  });
});

describe('templates', () => {
  const defaults = { idleTimeoutMs: 600_000, maxLifetimeMs: 0, port: 8080, warmPoolSize: 0 };
  const templates = (definition: object) =>
    new Templates(new Map([['default', templateSchema.parse(definition)]]), defaults);

  it('take from the settings what they do not say', () => {
    expect(templates({}).find('default')).toMatchObject({ idleTimeoutMs: 600_000, maxLifetimeMs: 0, port: 8080 });
    expect(templates({ idleTimeoutSeconds: 5, port: 80 }).find('default')).toMatchObject({
      idleTimeoutMs: 5_000,
      port: 80,
    });
  });

  it('have another hash once their definition is another', () => {
    const hash = (definition: object) => templates(definition).find('default')?.hash;
    expect(hash({ env: { A: '1' } })).toBe(hash({ env: { A: '1' } }));
    expect(hash({ env: { A: '1' } })).not.toBe(hash({ env: { A: '2' } }));
  });
});
