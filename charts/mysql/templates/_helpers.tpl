{{- define "mysql.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "mysql.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "mysql.labels" -}}
{{ include "mysql.selectorLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The servers, as a list in JSON under "all": those of the values, or the one of the release. */}}
{{- define "mysql.servers" -}}
{{- $one := dict "name" (include "mysql.fullname" .) "repository" .Values.image.repository "tag" (.Values.image.tag | default .Chart.AppVersion) -}}
{{- dict "all" (.Values.servers | default (list $one)) | toJson -}}
{{- end -}}

{{- define "mysql.active" -}}
{{- .Values.active | default (first (include "mysql.servers" . | fromJson).all).name -}}
{{- end -}}
