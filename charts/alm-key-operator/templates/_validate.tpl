{{/* Refuses values that exclude each other. No message quotes a value that could hold a password. */}}
{{- define "alm-key-operator.validate" -}}
{{- if and (not .Values.leaderElection.enabled) (gt (int .Values.replicas) 1) -}}
{{- fail "replicas: at most 1 replica may run without leader election; set replicas to 1, or leaderElection.enabled to true" -}}
{{- end -}}
{{- with .Values.egressProxy -}}
{{- if and .url (not (regexMatch "^http://[^@/?#]+/?$" .url)) -}}
{{- fail "egressProxy.url: expected http://HOST:PORT; credentials belong into the Secret that egressProxy.credentials.secretName names" -}}
{{- end -}}
{{- if and (not .url) .exempt -}}
{{- fail "egressProxy.exempt: without egressProxy.url there is no proxy to exempt hosts from; set that, too, or remove the hosts" -}}
{{- end -}}
{{- if and (not .url) .credentials.secretName -}}
{{- fail "egressProxy.credentials.secretName: without egressProxy.url there is no proxy that asks for credentials; set that, too, or remove the name" -}}
{{- end -}}
{{- end -}}
{{- with .Values.caBundle.certificates | trim -}}
{{- if contains "PRIVATE KEY" . -}}
{{- fail "caBundle.certificates: it contains a private key, which a ConfigMap must not hold; name a file with certificates only" -}}
{{- end -}}
{{- if not (contains "-----BEGIN CERTIFICATE-----" .) -}}
{{- fail "caBundle.certificates: expected certificates in PEM, which begin with -----BEGIN CERTIFICATE-----" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.caBundle.injectTrusted .Values.caBundle.certificates -}}
{{- fail "caBundle.certificates: OpenShift overwrites the ConfigMap if caBundle.injectTrusted is true; use one of both" -}}
{{- end -}}
{{- end -}}
