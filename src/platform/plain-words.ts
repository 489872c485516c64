import { isIPv6 } from 'node:net';

const LONGEST = 1_000;
const URL_LIKE = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'`<>]+/gi;
const IPV4_LIKE = /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+|\/\d+)?\b/g;
const IPV6_LIKE = /\[?(?=[0-9a-f:]*:)[0-9a-f:.]{3,}(?:%\w+)?\]?(?::\d+)?/gi;

/**
 * What parts outside say is shown to clients, who are told no address of theirs: neither of pods and nodes nor of stores,
 * webhooks and registries. And no more of it than a person reads.
 */
export function withoutAddresses(text: string): string {
  const plain = text
    .replace(URL_LIKE, '(address)')
    .replace(IPV4_LIKE, '(address)')
    .replace(IPV6_LIKE, (found) => (isAddress(found) ? '(address)' : found));
  return plain.length <= LONGEST ? plain : `${plain.slice(0, LONGEST)}…`;
}

function isAddress(found: string): boolean {
  const bracketed = /^\[(.*)\]/.exec(found)?.[1];
  return isIPv6(bracketed ?? found.replace(/[.:]$/, ''));
}
