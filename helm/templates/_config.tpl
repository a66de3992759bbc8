{{/* vidne's configuration: what the values say, and what the chart sets itself. */}}

{{- define "vidne.ports.health" -}}50052{{- end -}}
{{- define "vidne.ports.grpc" -}}50051{{- end -}}
{{- define "vidne.ports.metrics" -}}9464{{- end -}}
{{- define "vidne.dataFolder" -}}/var/lib/vidne{{- end -}}
{{- define "vidne.keyFolder" -}}/etc/vidne/key{{- end -}}
{{- define "vidne.exportSecretsFolder" -}}/etc/vidne/export-secrets{{- end -}}

{{/* All of it as JSON. */}}
{{- define "vidne.config" -}}
{{- $server := dict
  "listen" (printf "%s:%s" .Values.listenAddress (include "vidne.ports.grpc" .))
  "health_listen" (printf "%s:%s" .Values.listenAddress (include "vidne.ports.health" .))
  "metrics_listen" (ternary (printf "%s:%s" .Values.listenAddress (include "vidne.ports.metrics" .)) "" .Values.metrics.enabled)
  "insecure" .Values.insecure -}}
{{- $own := dict "data_dir" (include "vidne.dataFolder" .) "server" $server -}}
{{- if .Values.key.existingSecret -}}
{{- $_ := set $own "keys" (dict "file" (printf "%s/key" (include "vidne.keyFolder" .))) -}}
{{- end -}}
{{- if .Values.exportSecrets -}}
{{- $_ := set $own "export" (dict "secret_files" (include "vidne.exportSecretsFolder" .)) -}}
{{- end -}}
{{- mergeOverwrite (deepCopy .Values.config) $own | toJson -}}
{{- end -}}

{{/* As TOML. A text, number or switch looks the same in JSON and TOML. */}}
{{- define "vidne.toml" -}}
{{- $config := include "vidne.config" . | fromJson -}}
{{- range $key, $value := $config -}}
{{- if not (or (kindIs "map" $value) (kindIs "invalid" $value)) }}
{{ $key }} = {{ toJson $value }}
{{- end -}}
{{- end -}}
{{- range $section, $values := $config -}}
{{- if kindIs "map" $values }}

[{{ $section }}]
{{- range $key, $value := $values -}}
{{- if not (kindIs "invalid" $value) }}
{{ $key }} = {{ toJson $value }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range .Values.tenants }}

[[tenants]]
{{- include "vidne.table" . }}
{{- end -}}
{{- range .Values.exportJobs }}

[[export_jobs]]
{{- include "vidne.table" . }}
{{- end -}}
{{- end -}}

{{/* The lines of one table. */}}
{{- define "vidne.table" -}}
{{- range $key, $value := . -}}
{{- if not (kindIs "invalid" $value) }}
{{ include "vidne.key" $key }} = {{ include "vidne.inline" (list $value) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A key, in quotes where it needs them. */}}
{{- define "vidne.key" -}}
{{- ternary . (toJson .) (regexMatch "^[A-Za-z0-9_-]+$" .) -}}
{{- end -}}

{{/* A value on one line: (list value). */}}
{{- define "vidne.inline" -}}
{{- $value := index . 0 -}}
{{- if kindIs "map" $value -}}
{{- $pairs := list -}}
{{- range $key, $inner := $value -}}
{{- if not (kindIs "invalid" $inner) -}}
{{- $pairs = append $pairs (printf "%s = %s" (include "vidne.key" $key) (include "vidne.inline" (list $inner))) -}}
{{- end -}}
{{- end -}}
{ {{ join ", " $pairs }} }
{{- else if kindIs "slice" $value -}}
{{- $values := list -}}
{{- range $value -}}
{{- $values = append $values (include "vidne.inline" (list .)) -}}
{{- end -}}
[{{ join ", " $values }}]
{{- else -}}
{{ toJson $value }}
{{- end -}}
{{- end -}}

{{/* A duration of the configuration in whole seconds, rounded up: (list name text). */}}
{{- define "vidne.seconds" -}}
{{- $name := index . 0 -}}
{{- $text := index . 1 | toString | nospace -}}
{{- if not (regexMatch "^[0-9]+(ms|s|m|h|d)$" $text) -}}
{{- fail (printf "%s is %q, and terminationGracePeriodSeconds is derived from it: it must be a whole number with ms, s, m, h or d, such as \"20s\"" $name $text) -}}
{{- end -}}
{{- $number := regexFind "^[0-9]+" $text | int64 -}}
{{- $unit := regexFind "[a-z]+$" $text -}}
{{- if eq $unit "ms" -}}
{{- div (add $number 999) 1000 -}}
{{- else -}}
{{- mul $number (get (dict "s" 1 "m" 60 "h" 3600 "d" 86400) $unit) -}}
{{- end -}}
{{- end -}}

{{/* What a server needs at most between SIGTERM and its end: the delay, the drain, two seconds for what is left then, five for the database to close and five for telemetry. */}}
{{- define "vidne.drain" -}}
{{- $shutdown := default dict .Values.config.shutdown -}}
{{- $delay := include "vidne.seconds" (list "config.shutdown.delay" (default "0s" $shutdown.delay)) | int64 -}}
{{- $deadline := include "vidne.seconds" (list "config.shutdown.deadline" (default "20s" $shutdown.deadline)) | int64 -}}
{{- add $delay $deadline 12 -}}
{{- end -}}

{{- define "vidne.grace" -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds -}}
{{- add (include "vidne.drain" . | int64) 3 -}}
{{- else -}}
{{- .Values.terminationGracePeriodSeconds | int64 -}}
{{- end -}}
{{- end -}}
