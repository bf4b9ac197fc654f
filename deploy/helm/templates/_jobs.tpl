{{- /* The scrape jobs, in the format of prometheus.yml. */ -}}
{{- define "greenapi-exporter.jobs" -}}
{{- $name := include "greenapi-exporter.fullname" . -}}
{{- $domain := printf "%s.%s.svc:10466" $name .Release.Namespace -}}
# The instances.
- job_name: {{ $name }}-instances
  scrape_interval: {{ .Values.prometheus.interval }}
  scrape_timeout: {{ .Values.prometheus.timeout }}
  http_sd_configs:
    # Every exporter serves the whole list. If none responds, Prometheus keeps its last list.
    - url: http://{{ $name }}-sd.{{ .Release.Namespace }}.svc:10466/sd
      refresh_interval: 1m
  relabel_configs:
    # Prometheus always scrapes an instance from the same exporter, which stores its ledger. The
    # other exporters know the instance, too, but make calls for it only if they are scraped.
    - source_labels: [__param_target]
      action: hashmod
      modulus: {{ .Values.shards | default .Values.replicas }}
      target_label: __tmp_shard
    - source_labels: [__tmp_shard]
      target_label: __address__
      replacement: {{ $name }}-${1}.{{ $domain }}
    # The labels of the configuration file. The label instance is the id, and does not depend on
    # the exporter.
    - regex: __meta_greenapi_label_(.+)
      action: labelmap

# The exporters' own metrics. The targets are listed by name, so a missing exporter counts as down
# instead of disappearing.
- job_name: {{ $name }}
  scrape_interval: {{ .Values.prometheus.interval }}
  scrape_timeout: {{ .Values.prometheus.timeout }}
  static_configs:
    - targets:
        {{- range until (int .Values.replicas) }}
        - {{ $name }}-{{ . }}.{{ $domain }}
        {{- end }}
  relabel_configs:
    - source_labels: [__address__]
      regex: ([^.]+)\..*
      target_label: instance
{{- end -}}
