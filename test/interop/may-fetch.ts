/**
 * Whether what is not here may be fetched, which takes minutes: `npm run test:interop` says so. `npm test` builds only the
 * program in Go.
 */
export const mayFetch: boolean = process.env.ETCD_LOCK_BUILD === "1";
