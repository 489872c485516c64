const FORM = /^(\d+(?:\.\d*)?|\.\d+)(m|k|[MGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/;
const STEPS = 'KMGTPE';

/** A Kubernetes resource quantity (512Mi, 1.5G, 1e9) in bytes; undefined: it is none. */
export function bytesOfQuantity(text: string): number | undefined {
  const [, number, suffix = ''] = FORM.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * factorOf(suffix);
}

function factorOf(suffix: string): number {
  if (suffix === '') return 1;
  if (suffix === 'm') return 1 / 1000;
  if (/^[eE][+-]?\d/.test(suffix)) return 10 ** Number(suffix.slice(1));
  const step = STEPS.indexOf(suffix.charAt(0).toUpperCase()) + 1;
  return (suffix.endsWith('i') ? 1024 : 1000) ** step;
}
