{{- define "mien.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "mien.selector" -}}
app.kubernetes.io/name: mien
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "mien.labels" -}}
{{ include "mien.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "mien.ports" -}}
- {name: http, port: 8080, targetPort: http}
{{- if .Values.grpc.enabled }}
{{- if .Values.tls.existingSecret }}
- {name: grpc, port: 9000, targetPort: grpc}
{{- else }}
- {name: grpc, port: 9000, targetPort: grpc, appProtocol: kubernetes.io/h2c}
{{- end }}
{{- end }}
{{- end -}}

{{- define "mien.cacheClaim" -}}
{{- .Values.tuning.cache.existingClaim | default (printf "%s-tuning" (include "mien.name" .)) -}}
{{- end -}}

{{- define "mien.series" -}}
namespace="{{ .Release.Namespace }}",job="{{ include "mien.name" . }}"
{{- end -}}

{{/* The request of a probe: root context and path. */}}
{{- define "mien.probe" -}}
{{- $root := index . 0 }}
{{- if and $root.Values.tls.existingSecret $root.Values.tls.clientCertificates -}}
tcpSocket: {port: http}
{{- else -}}
httpGet: {path: {{ index . 1 }}, port: http, scheme: {{ ternary "HTTPS" "HTTP" (ne $root.Values.tls.existingSecret "") }}}
{{- end }}
{{- end }}
