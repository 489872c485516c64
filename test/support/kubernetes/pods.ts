interface PodFacts {
  metadata?: object;
  spec?: object;
  /** Of its one container. */
  container?: object;
}

/** A pod made by hand that the restricted level of Pod Security lets in. Its image is never looked at. */
export function restrictedPod(name: string, { metadata, spec, container }: PodFacts = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'session',
          image: 'berth.test/session:1',
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          ...container,
        },
      ],
      ...spec,
    },
  };
}
