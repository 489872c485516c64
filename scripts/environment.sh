# Sourced by the scripts that work on one environment's release, whose first argument is the environment. KUBECONFIG names
# the cluster: nobody deploys to production because that is what kubectl was last used for.
# shellcheck shell=bash disable=SC2034  # the variables are for who sources this
script=$(basename "$0")
environment=${1:-}
values=(--values "helm/berth/values-$environment.yaml")
if [ -z "$environment" ] || [ ! -f "${values[1]}" ]; then
  echo "$script: there is no environment '$environment': dev, staging or production" >&2
  exit 2
fi
if [ -z "${KUBECONFIG:-}" ]; then
  echo "$script: KUBECONFIG has to name the cluster of $environment" >&2
  exit 3
fi
# What production needs is tried in staging before it.
if [ "$environment" = staging ]; then values=(--values helm/berth/values-production.yaml "${values[@]}"); fi
release=${RELEASE:-berth}
namespace=${NAMESPACE:-berth}
