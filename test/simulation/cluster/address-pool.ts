/** Few addresses, and the one that was free last is given away first: a new pod is soon where another one was. */
export class AddressPool {
  private readonly free: string[];
  private made: number;

  constructor(size: number) {
    this.made = size;
    this.free = Array.from({ length: size }, (_, at) => addressOf(at + 1));
  }

  take(): string {
    return this.free.pop() ?? addressOf((this.made += 1));
  }

  giveBack(address: string): void {
    this.free.push(address);
  }
}

function addressOf(number: number): string {
  return `10.0.0.${number}:80`;
}
