-- A reconciliation of a suspended object makes no remote call, so it is not offered.
local suspended = obj.spec.suspend == true
return {
  reconcile = { disabled = suspended },
  suspend = { disabled = suspended },
  resume = { disabled = not suspended },
}
