{{/* The namespace of the Secrets and ConfigMaps that ALMTenants refer to, and of the Lease. */}}
{{- define "alm-key-operator.clusterResourceNamespace" -}}
{{- .Values.clusterResourceNamespace | default .Release.Namespace -}}
{{- end -}}

{{/* The labels of all objects. */}}
{{- define "alm-key-operator.labels" -}}
{{- with .Values.commonLabels -}}
{{ toYaml . }}
{{ end -}}
{{ include "alm-key-operator.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end -}}

{{/* The labels that select the pods. */}}
{{- define "alm-key-operator.selector" -}}
app.kubernetes.io/name: alm-key-operator
{{- end -}}

{{/* The image, by digest if there is one. */}}
{{- define "alm-key-operator.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* The operator as the subject of a binding. */}}
{{- define "alm-key-operator.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: alm-key-operator
    namespace: {{ .Release.Namespace | quote }}
{{- end -}}
