{{- define "cinnamon.labels" -}}
app.kubernetes.io/name: cinnamon
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "cinnamon.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "cinnamon.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "cinnamon.probes" -}}
startupProbe:
  httpGet: { path: /livez, port: health }
  failureThreshold: 30
  periodSeconds: 2
livenessProbe:
  httpGet: { path: /livez, port: health }
  periodSeconds: 10
readinessProbe:
  httpGet: { path: /readyz, port: health }
  periodSeconds: 5
{{- end -}}

{{- define "cinnamon.env" -}}
- name: METRICS_ADDR
  value: 0.0.0.0:9464
- name: HOME
  value: /tmp
{{- end -}}

{{- define "cinnamon.envFrom" -}}
- configMapRef:
    name: {{ .Release.Name }}-cinnamon
- secretRef:
    name: {{ .Values.existingSecret }}
{{- end -}}

{{- /* A setting as text. Helm reads all numbers as floats: quote would make 2e+06 of 2000000. */ -}}
{{- define "cinnamon.value" -}}
{{- if and (kindIs "float64" .) (eq . (float64 (int64 .))) }}{{ int64 . | quote }}{{ else }}{{ . | quote }}{{ end -}}
{{- end -}}

{{- define "cinnamon.buildId" -}}
{{ .Values.worker.buildId | default .Values.image.tag }}
{{- end -}}
