{{- define "berth.name" -}}
{{- default .Release.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* Of what is the whole cluster's. */}}
{{- define "berth.clusterName" -}}
{{ .Release.Namespace }}-{{ include "berth.name" . }}
{{- end -}}

{{- define "berth.selector" -}}
app.kubernetes.io/name: berth
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Selects Berth's own pods, not Redis. */}}
{{- define "berth.podSelector" -}}
{{ include "berth.selector" . }}
app.kubernetes.io/component: berth
{{- end -}}

{{- define "berth.redisSelector" -}}
{{ include "berth.selector" . }}
app.kubernetes.io/component: redis
{{- end -}}

{{- define "berth.labels" -}}
{{ include "berth.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "berth.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "berth.sessionsNamespace" -}}
{{- default (printf "%s-sessions" (include "berth.name" .)) .Values.sessions.namespace.name -}}
{{- end -}}

{{- define "berth.redisName" -}}
{{ include "berth.name" . }}-redis
{{- end -}}

{{- define "berth.tokenSecretName" -}}
{{- default (printf "%s-token" (include "berth.name" .)) .Values.auth.existingSecret -}}
{{- end -}}

{{- define "berth.redisSecretName" -}}
{{- default (printf "%s-redis" (include "berth.name" .)) .Values.redis.existingSecret -}}
{{- end -}}

{{/* Whether Redis is spoken to with a password: the chart's own always, another one where a Secret has it. */}}
{{- define "berth.hasRedisPassword" -}}
{{- if or .Values.redis.enabled (and (not (include "berth.redisFromVault" .)) (or .Values.redis.existingSecret .Values.externalSecret.enabled)) -}}yes{{- end -}}
{{- end -}}

{{- define "berth.redisCaSecret" -}}
{{- if not .Values.redis.enabled -}}{{ .Values.redis.external.caSecret }}{{- end -}}
{{- end -}}

{{- define "berth.keysFromVault" -}}
{{- if and .Values.vault.address (ne .Values.vault.apiKeysPath "none") -}}yes{{- end -}}
{{- end -}}

{{/* The chart's own Redis reads its password when it starts, from a Secret that nobody changes. */}}
{{- define "berth.redisFromVault" -}}
{{- if and .Values.vault.address (not .Values.redis.enabled) (ne .Values.vault.redisPasswordPath "none") -}}yes{{- end -}}
{{- end -}}

{{- define "berth.tlsFromVault" -}}
{{- if and .Values.vault.address .Values.vault.pki.role -}}yes{{- end -}}
{{- end -}}

{{- define "berth.hasTls" -}}
{{- if or (include "berth.tlsSecretName" .) (include "berth.tlsFromVault" .) -}}yes{{- end -}}
{{- end -}}

{{- define "berth.tlsSecretName" -}}
{{- if .Values.tls.existingSecret -}}{{ .Values.tls.existingSecret }}
{{- else if .Values.tls.certificate.enabled -}}{{ include "berth.name" . }}-tls
{{- end -}}
{{- end -}}

{{- define "berth.priorityClass" -}}
{{- if .Values.priorityClasses.existing -}}{{ .Values.priorityClasses.existing }}
{{- else if .Values.priorityClasses.create -}}{{ include "berth.clusterName" . }}
{{- end -}}
{{- end -}}

{{/* Secrets that Berth is given as environment: [name of the variable and key] -> Secret. */}}
{{- define "berth.usesTokenSecret" -}}
{{- if not (or .Values.settings.AUTH_JWKS_URL (include "berth.keysFromVault" .)) -}}yes{{- end -}}
{{- end -}}

{{/* Whether a session that names no template runs the bundled application. */}}
{{- define "berth.isBundled" -}}
{{- $default := .Values.templates.default | default dict -}}
{{- if not (or .Values.settings.SESSION_POD_IMAGE .Values.settings.SESSION_POD_COMMAND $default.image $default.command) -}}yes{{- end -}}
{{- end -}}

{{/* What is kept at an upgrade: the value that the Secret has, else a new one. */}}
{{- define "berth.keptOrNew" -}}
{{- $standing := lookup "v1" "Secret" .namespace .name -}}
{{- if and $standing (hasKey ($standing.data | default dict) .key) -}}
{{ index $standing.data .key }}
{{- else -}}
{{ randAlphaNum 48 | b64enc }}
{{- end -}}
{{- end -}}

{{- define "berth.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "berth.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Of every pod of the chart: who may pull its image, and where it may run. */}}
{{- define "berth.placement" -}}
{{- $placement := dict -}}
{{- with .Values.image.pullSecrets -}}
{{- $secrets := list -}}
{{- range . }}{{ $secrets = append $secrets (dict "name" .) }}{{ end -}}
{{- $_ := set $placement "imagePullSecrets" $secrets -}}
{{- end -}}
{{- with .Values.nodeSelector }}{{ $_ := set $placement "nodeSelector" . }}{{ end -}}
{{- with .Values.tolerations }}{{ $_ := set $placement "tolerations" . }}{{ end -}}
{{- if $placement }}{{ toYaml $placement }}{{ end -}}
{{- end -}}

{{/* What every session pod may reach: names. */}}
{{- define "berth.sessionEgress" -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
  ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- with .Values.sessions.networkPolicy.dns }}
- to: {{- toYaml . | nindent 4 }}
  ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end }}
{{- end -}}
