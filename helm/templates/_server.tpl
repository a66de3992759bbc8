{{/* The pod of a server: template of the StatefulSet and of the Deployment. */}}

{{- define "vidne.probe" -}}
grpc:
  port: {{ include "vidne.ports.health" (index . 0) }}
  service: {{ index . 1 | quote }}
{{ toYaml (index . 2) }}
{{- end -}}

{{- define "vidne.serverPod" -}}
metadata:
  annotations:
    checksum/config: {{ include "vidne.toml" . | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  labels:
    {{- include "vidne.selector" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "vidne.podBase" . | nindent 2 }}
  serviceAccountName: {{ include "vidne.serviceAccount" . }}
  terminationGracePeriodSeconds: {{ include "vidne.grace" . }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if and .Values.topologySpread.enabled .Values.database.existingSecret }}
  topologySpreadConstraints:
    {{- range .Values.topologySpread.topologyKeys }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: {{ $.Values.topologySpread.whenUnsatisfiable }}
      labelSelector:
        matchLabels:
          {{- include "vidne.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  {{- if and .Values.database.existingSecret (eq .Values.migrations.mode "init") }}
  initContainers:
    - name: migrate
      {{- include "vidne.containerBase" . | nindent 6 }}
      args: [migrate]
      env:
        - name: VIDNE_CONFIG
          value: /etc/vidne/config/vidne.toml
        {{- include "vidne.databaseEnv" . | nindent 8 }}
      {{- include "vidne.envFrom" . | nindent 6 }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        {{- include "vidne.mounts" . | nindent 8 }}
  {{- end }}
  containers:
    - name: vidne
      {{- include "vidne.containerBase" . | nindent 6 }}
      args: [serve]
      env:
        - name: VIDNE_CONFIG
          value: /etc/vidne/config/vidne.toml
        {{- include "vidne.databaseEnv" . | nindent 8 }}
      {{- include "vidne.envFrom" . | nindent 6 }}
      ports:
        - name: grpc
          containerPort: {{ include "vidne.ports.grpc" . }}
        - name: health
          containerPort: {{ include "vidne.ports.health" . }}
        {{- if .Values.metrics.enabled }}
        - name: metrics
          containerPort: {{ include "vidne.ports.metrics" . }}
        {{- end }}
      # The process: answered from memory, whatever the database does.
      startupProbe:
        {{- include "vidne.probe" (list . "" .Values.probes.startup) | nindent 8 }}
      livenessProbe:
        {{- include "vidne.probe" (list . "" .Values.probes.liveness) | nindent 8 }}
      # The service: serves while the database answers.
      readinessProbe:
        {{- include "vidne.probe" (list . "vidne.v1.AuditService" .Values.probes.readiness) | nindent 8 }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        {{- include "vidne.mounts" . | nindent 8 }}
  volumes:
    {{- include "vidne.volumes" . | nindent 4 }}
{{- end -}}
