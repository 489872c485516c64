import { z } from 'zod';

/**
 * What the pods of a session look like. The process runtime uses command, args, env and healthPath (and the memory
 * limit); the rest is for Kubernetes. Unknown fields are refused: a misspelt one would be silently without effect.
 */
const seconds = z.number().int();
const envName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not a name of an environment variable');
const QUANTITY = /^\d+(\.\d+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$/;
const quantity = z
  .union([z.string(), z.number()])
  .transform(String)
  .refine((text) => QUANTITY.test(text), {
    error: 'is not a quantity such as 500m or 128Mi',
  });
const quantities = z.record(z.string(), quantity);

/** Names that tell a session who and where it is; nobody else may set them. */
export const RESERVED_ENV = ['SESSION_ID', 'PORT', 'HOST', 'STATE_FILE_PATH'] as const;
const freeEnvName = envName.refine((name) => !(RESERVED_ENV as readonly string[]).includes(name), {
  error: 'is set by Berth itself',
});

export const templateSchema = z.strictObject({
  image: z.string().min(1).optional(),
  port: z.number().int().min(1).max(65535).optional(),
  healthPath: z.string().startsWith('/').default('/health'),
  command: z.array(z.string()).min(1).optional(),
  args: z.array(z.string()).default([]),
  env: z.record(freeEnvName, z.string()).default({}),
  clientEnv: z.array(freeEnvName).default([]),
  resources: z
    .strictObject({
      requests: quantities.optional(),
      limits: quantities.optional(),
      claims: z.array(z.looseObject({})).optional(),
    })
    .optional(),
  nodeSelector: z.record(z.string(), z.string()).default({}),
  tolerations: z.array(z.looseObject({})).default([]),
  runtimeClassName: z.string().optional(),
  priorityClassName: z.string().optional(),
  runAsUser: z.number().int().min(1).optional(),
  serviceAccountName: z.string().optional(),
  volumes: z.array(z.looseObject({ name: z.string() })).default([]),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).default([]),
  idleTimeoutSeconds: seconds.min(1).optional(),
  maxLifetimeSeconds: seconds.min(0).optional(),
  warmPoolSize: seconds.min(0).optional(),
  requiredScope: z.string().min(1).optional(),
});

export type TemplateDefinition = z.infer<typeof templateSchema>;

/** A template with every default filled in. */
export interface Template extends Omit<
  TemplateDefinition,
  'idleTimeoutSeconds' | 'maxLifetimeSeconds' | 'warmPoolSize'
> {
  name: string;
  /** Changes when the definition changes. */
  hash: string;
  idleTimeoutMs: number;
  maxLifetimeMs: number;
  warmPoolSize: number;
  port: number;
}
