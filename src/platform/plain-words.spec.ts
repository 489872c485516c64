import { withoutAddresses } from './plain-words.js';

describe('what the cluster says, for clients', () => {
  it.each([
    ['dial tcp 10.0.12.7:443: connection refused', 'dial tcp (address): connection refused'],
    ['dial tcp [fd00::1]:443: i/o timeout', 'dial tcp (address): i/o timeout'],
    ['on fe80::1%eth0 or ::1', 'on (address) or (address)'],
    ['Post "https://hook.infra.svc:443/validate?timeout=10s": EOF', 'Post "(address)": EOF'],
    ['pod is in 10.245.0.0/16 now', 'pod is in (address) now'],
    ['image a/b@sha256:0123456789abcdef: not found', 'image a/b@sha256:0123456789abcdef: not found'],
    ['at 12:30:00 version 1.36.3', 'at 12:30:00 version 1.36.3'],
    ['0/3 nodes are available: 3 Insufficient cpu.', '0/3 nodes are available: 3 Insufficient cpu.'],
    ['a: b:: c', 'a: b:: c'],
  ])('is told without addresses: %s', (text, plain) => {
    expect(withoutAddresses(text)).toBe(plain);
  });

  it('is no longer than a person reads', () => {
    expect(withoutAddresses('x'.repeat(5_000))).toHaveLength(1_001);
  });
});
