/** RATE_LIMIT_PER_OWNER: throws GatewayError RATE_LIMITED, with the time after which a request will pass. */
export abstract class RateLimiter {
  abstract pass(owner: string): void;
}
