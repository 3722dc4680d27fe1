local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["almkey.dev/reconcile-requested-at"] = "By Argo CD at: " .. os.date("!%Y-%m-%dT%H:%M:%SZ")
return obj
