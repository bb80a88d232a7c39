{{- define "simpleim.labels" -}}
app.kubernetes.io/name: simpleim
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "simpleim.secret" -}}
{{- .Values.backends.existingSecret | default (printf "%s-backends" .Release.Name) }}
{{- end }}
