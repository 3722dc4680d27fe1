-- The health of an ALMServiceKey. Argo CD ends a sync wave only on Healthy or Degraded: Suspended holds it, until a person has
-- changed the key in SAP's app.
local hs = { status = "Progressing", message = "Waiting for alm-key-operator" }

local ready = nil
local stalled = false
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == "Ready" then
      ready = condition
    elseif condition.type == "Stalled" and condition.status == "True" then
      stalled = true
    end
  end
end
if ready == nil then
  return hs
end

hs.message = ready.reason .. ": " .. ready.message
if obj.metadata.deletionTimestamp ~= nil then
  return hs
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  hs.message = "Waiting for alm-key-operator to observe the last change of the spec"
elseif ready.status == "True" then
  hs.status = "Healthy"
elseif stalled or ready.status == "False" or ready.reason == "Suspended" then
  -- Nothing happens to a suspended object until it is resumed, so a wave must not wait for it.
  hs.status = "Degraded"
elseif ready.reason == "ActionRequired" then
  hs.status = "Suspended"
end
return hs
