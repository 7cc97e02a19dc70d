/** What is used here of multicast-dns, which has no types of its own. */
declare module 'multicast-dns' {
  interface Resource {
    name: string;
    type: string;
    data?: unknown;
  }
  interface MulticastDns {
    on(event: 'response', listener: (message: { answers: Resource[] }) => void): this;
    on(event: 'error' | 'warning', listener: (error: Error) => void): this;
    query(questions: { name: string; type: string }[]): void;
    destroy(): void;
  }
  export default function multicastDns(options?: { socket?: import('node:dgram').Socket }): MulticastDns;
}
