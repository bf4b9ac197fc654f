{{- define "greenapi-exporter.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "greenapi-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "greenapi-exporter.labels" -}}
{{ include "greenapi-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "greenapi-exporter.image" -}}
{{- $image := .Values.image -}}
{{- $repository := required "set image.repository" $image.repository -}}
{{- with $image.digest -}}
{{- printf "%s@%s" $repository . -}}
{{- else -}}
{{- printf "%s:%s" $repository ($image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "greenapi-exporter.podSecurityContext" -}}
{{- $context := .Values.podSecurityContext -}}
{{- if .Capabilities.APIVersions.Has "security.openshift.io/v1" -}}
{{- $context = omit $context "runAsUser" "runAsGroup" "fsGroup" -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{- define "greenapi-exporter.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* The name of the Secret with the tokens, if there is one. */ -}}
{{- define "greenapi-exporter.secret" -}}
{{- if .Values.tokens.create -}}
{{- include "greenapi-exporter.fullname" . -}}
{{- else -}}
{{- .Values.tokens.existingSecret -}}
{{- end -}}
{{- end -}}

{{- /* 90 % of a memory limit, so that the garbage collector works harder before the kernel kills
the process. */ -}}
{{- define "greenapi-exporter.gomemlimit" -}}
{{- $mi := regexFind "^[0-9]+" . | int -}}
{{- if hasSuffix "Gi" . -}}
{{- $mi = mul $mi 1024 -}}
{{- end -}}
{{- printf "%dMiB" (div (mul $mi 9) 10) -}}
{{- end -}}

{{- /* Fails if values contradict each other. */ -}}
{{- define "greenapi-exporter.validate" -}}
{{- $tokens := .Values.tokens -}}
{{- $config := .Values.config -}}
{{- if not (or $config.instances $config.partner) -}}
{{- fail "set config.instances or config.partner" -}}
{{- end -}}
{{- if and $tokens.create $tokens.existingSecret -}}
{{- fail "set tokens.create or tokens.existingSecret, not both" -}}
{{- end -}}
{{- range append ($config.instances | default list) ($config.partner | default dict) -}}
{{- if and .token_file (not $tokens.existingSecret) (not (hasKey $tokens.create .token_file)) -}}
{{- $owner := empty .id_instance | ternary "config.partner" (printf "instance %v" .id_instance) -}}
{{- /* The error does not repeat token_file, which could be a misplaced token. */ -}}
{{- $advice := "add it, or set tokens.existingSecret" -}}
{{- fail (printf "tokens.create has no key for the token_file of %s: %s" $owner $advice) -}}
{{- end -}}
{{- end -}}
{{- if gt (int .Values.shards) (int .Values.replicas) -}}
{{- fail "shards must not exceed replicas, because each shard needs an exporter" -}}
{{- end -}}
{{- if and (eq .Values.prometheus.scrape "PodMonitor") (gt (int .Values.replicas) 1) -}}
{{- fail "with PodMonitor, each replica would read all instances: use ScrapeConfig or set replicas to 1" -}}
{{- end -}}
{{- with .Values.reshard.volumes -}}
{{- if not $.Values.persistence.enabled -}}
{{- fail "reshard.volumes requires persistence.enabled" -}}
{{- end -}}
{{- if lt (int .) (int $.Values.replicas) -}}
{{- fail "reshard.volumes must be the larger of the old and new numbers of replicas" -}}
{{- end -}}
{{- end -}}
{{- end -}}
