{{/* Combinations that cannot work. Each sentence names both keys and the way out. */}}

{{- define "vidne.refuse" -}}
{{- $values := .Values -}}
{{- $server := $values.database.existingSecret -}}

{{- if not $values.insecure -}}
{{- fail "insecure: false cannot work with service.port yet: there are no identities, and without them vidne serves loopback only, where no Service reaches it; leave insecure: true and networkPolicy.enabled: true" -}}
{{- end -}}
{{- if and (gt (int $values.replicaCount) 1) (not $server) -}}
{{- fail (printf "replicaCount: %d needs database.existingSecret: SQLite has one writer; set replicaCount: 1, or name a Secret with the URL of a database" (int $values.replicaCount)) -}}
{{- end -}}
{{- if and $values.autoscaling.enabled (not $server) -}}
{{- fail "autoscaling.enabled: true needs database.existingSecret: SQLite has one writer; switch autoscaling off, or name a Secret with the URL of a database" -}}
{{- end -}}
{{- if and $server (not $values.key.existingSecret) -}}
{{- fail "database.existingSecret needs key.existingSecret: each server would make a key of its own, and the second one would be refused; make one with `kubectl create secret generic vidne-key --from-literal=key=\"$(openssl rand -base64 32)\"` and name it" -}}
{{- end -}}
{{- if gt (int $values.autoscaling.minReplicas) (int $values.autoscaling.maxReplicas) -}}
{{- fail (printf "autoscaling.minReplicas (%d) is more than autoscaling.maxReplicas (%d)" (int $values.autoscaling.minReplicas) (int $values.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- if and $values.persistence.existingClaim (not $values.persistence.enabled) -}}
{{- fail "persistence.existingClaim cannot be used with persistence.enabled: false; enable it, or leave the claim away" -}}
{{- end -}}
{{- if and $values.serviceMonitor.enabled (not $values.metrics.enabled) -}}
{{- fail "serviceMonitor.enabled: true needs metrics.enabled: true: there is nothing to fetch" -}}
{{- end -}}
{{- if and (ne $values.service.type "ClusterIP") $values.networkPolicy.enabled (not $values.networkPolicy.extraIngress) -}}
{{- fail (printf "service.type: %s cannot work with networkPolicy.enabled: true, which admits only the release's namespace; name its clients in networkPolicy.extraIngress" $values.service.type) -}}
{{- end -}}
{{- $drain := include "vidne.drain" . | int64 -}}
{{- if lt (include "vidne.grace" . | int64) $drain -}}
{{- fail (printf "terminationGracePeriodSeconds (%s) is less than a server needs to stop with config.shutdown.delay and config.shutdown.deadline as they are: at least %d, or leave it away" (include "vidne.grace" .) $drain) -}}
{{- end -}}

{{/* Keys of the configuration that the chart sets, and which value says what they say. */}}
{{- $set := dict
  "data_dir" "persistence.enabled"
  "server.listen" "listenAddress"
  "server.health_listen" "listenAddress"
  "server.metrics_listen" "metrics.enabled"
  "server.insecure" "insecure"
  "database.url" "database.existingSecret"
  "database.migrate" "migrations.mode"
  "keys.file" "key.existingSecret"
  "keys.key" "key.existingSecret" -}}
{{- if $values.exportSecrets -}}
{{- $_ := set $set "export.secret_files" "exportSecrets" -}}
{{- end -}}
{{- range $key, $value := $set -}}
{{- $parts := splitList "." $key -}}
{{- $in := $values.config -}}
{{- if eq (len $parts) 2 -}}
{{- $in = default dict (get $in (first $parts)) -}}
{{- end -}}
{{- if and (hasKey $in (last $parts)) (not (kindIs "invalid" (get $in (last $parts)))) -}}
{{- fail (printf "config.%s is set by the chart: use %s, and leave it out of config" $key $value) -}}
{{- end -}}
{{- $variable := printf "VIDNE_%s" (upper $key | replace "." "_") -}}
{{- range $values.extraEnv -}}
{{- if eq .name $variable -}}
{{- fail (printf "extraEnv sets %s, which the chart sets itself: use %s" $variable $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "vidne.refuseJobs" . -}}
{{- range $values.extraEnv -}}
{{- if hasPrefix "VIDNE_SHUTDOWN_" .name -}}
{{- fail (printf "extraEnv sets %s, but terminationGracePeriodSeconds is derived from config.shutdown: set it there" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Declared jobs whose secrets are nowhere. */}}
{{- define "vidne.refuseJobs" -}}
{{- $names := list -}}
{{- range .Values.exportSecrets -}}
{{- if has .name $names -}}
{{- fail (printf "exportSecrets has two that are called %s: give each `name` once, whatever its `existingSecret`" .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- $export := default dict .Values.config.export -}}
{{- $elsewhere := and (not .Values.exportSecrets) (or $export.secret_files (include "vidne.hasVariable" (list . "VIDNE_EXPORT_SECRET_FILES"))) -}}
{{- $prefix := or $export.secret_env_prefix (include "vidne.hasVariable" (list . "VIDNE_EXPORT_SECRET_ENV_PREFIX")) -}}
{{- range $i, $job := .Values.exportJobs -}}
{{- range $kind, $destination := default dict $job.destination -}}
{{- range $key, $value := $destination -}}
{{- $path := printf "exportJobs[%d].destination.%s.%s" $i $kind $key -}}
{{- if and (hasSuffix "_file" $key) (not $elsewhere) -}}
{{- $of := splitList "/" $value | first -}}
{{- if not (has $of $names) -}}
{{- fail (printf "%s is %q, but no exportSecrets is called %s: add `{name: %s, existingSecret: ...}` there, or name one of them" $path $value $of $of) -}}
{{- end -}}
{{- end -}}
{{- if and (hasSuffix "_env" $key) (not $prefix) -}}
{{- fail (printf "%s needs config.export.secret_env_prefix: set it to what the variable's name begins with, and the variable in extraEnv" $path) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whether extraEnv has a variable: (list context name). */}}
{{- define "vidne.hasVariable" -}}
{{- $name := index . 1 -}}
{{- range (index . 0).Values.extraEnv -}}
{{- if eq .name $name -}}true{{- end -}}
{{- end -}}
{{- end -}}
