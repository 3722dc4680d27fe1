-- The health of an ALMTenant. In manual mode a removal may wait for a person; that must hold no sync wave, so it is Healthy
-- with a message: the tenant admits uploads meanwhile.
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
elseif ready.status == "True" or ready.reason == "ActionRequired" then
  hs.status = "Healthy"
elseif stalled or ready.status == "False" then
  hs.status = "Degraded"
end
return hs
