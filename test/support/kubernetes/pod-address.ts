const BLOCKS = 4_095;
const PER_BLOCK = 4_096;

let counter = 0;

/**
 * An address of 127.0.0.0/8 that no other pod has: the upper twelve bits follow from this process, so that workers keep
 * clear of each other, the lower twelve count. Nothing of 127.0.0.0/20 is given away, where other servers listen.
 */
export function nextPodAddress(pid = process.pid): string {
  const block = (pid + Math.floor(counter / PER_BLOCK) * 1_009) % BLOCKS;
  const bits = (block + 1) * PER_BLOCK + (counter % PER_BLOCK);
  counter += 1;
  // 0 and 255 at the end are addresses as any other on the loopback device, but look like something else.
  const last = bits & 255;
  if (last === 0 || last === 255) return nextPodAddress(pid);
  return `127.${bits >> 16}.${(bits >> 8) & 255}.${last}`;
}
