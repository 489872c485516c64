import type { V1Pod } from '@kubernetes/client-node';

import type { Template } from '../../templates/template.js';
import type { PodOrder } from '../pod.js';
import { podName } from '../pod-name.js';
import { assignmentMetadata, type Metadata, templateMetadata, warmMetadata, warmPodName } from './pod-metadata.js';
import { type PodSettings, podSpec } from './pod-spec.js';

export function coldPod(order: PodOrder, settings: PodSettings): V1Pod {
  const { definition, id, generation } = order;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(id, generation),
      ...merged(templateMetadata(definition), assignmentMetadata(order)),
    },
    spec: podSpec(definition, settings, order),
  };
}

/** It learns its session from the requests that it gets. */
export function warmPod(template: Template, settings: PodSettings, uuid: string): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: warmPodName(uuid), ...merged(templateMetadata(template), warmMetadata) },
    spec: podSpec(template, settings),
  };
}

function merged(one: Metadata, other: Metadata): Metadata {
  return {
    labels: { ...one.labels, ...other.labels },
    annotations: { ...one.annotations, ...other.annotations },
  };
}
