{{/* What the pods of servers, migration and test have in common. */}}

{{/* The URL of the database, from its Secret. */}}
{{- define "vidne.databaseEnv" -}}
{{- if .Values.database.existingSecret }}
- name: VIDNE_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.existingSecret }}
      key: {{ .Values.database.urlKey }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "vidne.envFrom" -}}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Of every pod: no token, no variables about other Services, nothing that needs root. */}}
{{- define "vidne.podBase" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Of every container. */}}
{{- define "vidne.containerBase" -}}
image: {{ include "vidne.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end -}}

{{- define "vidne.mounts" -}}
- name: config
  mountPath: /etc/vidne/config
  readOnly: true
- name: data
  mountPath: {{ include "vidne.dataFolder" . }}
- name: tmp
  mountPath: /tmp
{{- if .Values.key.existingSecret }}
- name: key
  mountPath: {{ include "vidne.keyFolder" . }}
  readOnly: true
{{- end }}
{{- range .Values.exportSecrets }}
- name: export-secret-{{ .name }}
  mountPath: {{ include "vidne.exportSecretsFolder" $ }}/{{ .name }}
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "vidne.volumes" -}}
- name: config
  configMap:
    name: {{ include "vidne.fullname" . }}
- name: data
{{- if or .Values.database.existingSecret (not .Values.persistence.enabled) }}
  emptyDir: {}
{{- else }}
  persistentVolumeClaim:
    claimName: {{ include "vidne.claim" . }}
{{- end }}
# For what SQLite sorts beside its memory.
- name: tmp
  emptyDir: {}
{{- if .Values.key.existingSecret }}
- name: key
  secret:
    secretName: {{ .Values.key.existingSecret }}
    # For the group of the pod alone: vidne refuses a key that others may read.
    defaultMode: 0440
    items:
      - key: {{ .Values.key.secretKey }}
        path: key
{{- end }}
{{- range .Values.exportSecrets }}
- name: export-secret-{{ .name }}
  secret:
    secretName: {{ .existingSecret }}
    # For the group of the pod alone.
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
