/**
 * Makes a later version of Berth out of the built one: `node --import ./later-version.mjs dist/main.js`. It writes what
 * the built one does not know: a field into each record that it enters, a label and an annotation on each pod that it
 * makes. Of one template it makes pods of a later schema. Its template hashes are others, as they are once a template
 * has one more setting. A change that finds nothing to change stops the start.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const entering = (source) => {
  const [opened, used] = ['  record = begun(record)', "if entry == 'touch' then writeUse("];
  if (!source.includes(opened) || !source.includes(used)) return source;
  return source
    .replace(opened, `${opened}\n  record.laterField = 'of ' .. ask.id`)
    .replace(
      used,
      `if entry == 'touch' then redis.call('HSET', 'session:' .. ask.id, 'laterField', 'of ' .. ask.id) end\n${used}`,
    );
};

const templates = (source) =>
  source.replace('JSON.stringify(definition)', 'JSON.stringify({ ...definition, later: 1 })');

const podMetadata = (source) => {
  const [made, read] = ['function templateMetadata(', 'function standingOf('];
  if (!source.includes(made) || !source.includes(read)) return source;
  return `${source.replace(made, 'function builtTemplateMetadata(').replace(read, 'function builtStandingOf(')}
function templateMetadata(template) {
  const { labels, annotations } = builtTemplateMetadata(template);
  const schema = template.name === 'later-schema' && { 'berth.dev/schema': '2' };
  return {
    labels: { ...labels, 'berth.dev/later': 'yes' },
    annotations: { ...annotations, 'berth.dev/later': 'yes, indeed', ...schema },
  };
}
function standingOf({ annotations, ...metadata }) {
  return builtStandingOf({ ...metadata, annotations: { ...annotations, 'berth.dev/schema': '1' } });
}`;
};

const changes = {
  '/dist/lifecycle/store/redis/scripts/entering.js': entering,
  '/dist/lifecycle/templates/templates.js': templates,
  '/dist/lifecycle/runtime/kubernetes/pod-metadata.js': podMetadata,
};

registerHooks({
  load(url, context, next) {
    const change = Object.entries(changes).find(([path]) => url.endsWith(path))?.[1];
    if (!change) return next(url, context);
    const before = readFileSync(fileURLToPath(url), 'utf8');
    const source = change(before);
    if (source === before) throw new Error(`nothing to change in ${url}: bring later-version.mjs up to date`);
    return { format: 'commonjs', source, shortCircuit: true };
  },
});
