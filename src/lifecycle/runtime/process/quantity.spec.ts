import { bytesOfQuantity } from './quantity.js';

describe('a resource quantity', () => {
  it.each([
    ['128974848', 128_974_848],
    ['129e6', 129_000_000],
    ['1E3', 1000],
    ['129M', 129_000_000],
    ['1k', 1000],
    ['123Mi', 123 * 1024 * 1024],
    ['0.5Gi', 512 * 1024 * 1024],
    ['2Ki', 2048],
    ['1E', 1e18],
    ['128974848000m', 128_974_848],
  ])('%s is %d bytes', (text, bytes) => {
    expect(bytesOfQuantity(text)).toBe(bytes);
  });

  it.each(['', 'lots', '512 Mi', '512mi', '512MB', '-1Gi', '1ki', 'Mi', '1e'])('"%s" is none', (text) => {
    expect(bytesOfQuantity(text)).toBeUndefined();
  });
});
