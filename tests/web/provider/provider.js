// A certified OpenID Provider (npm oidc-provider) on loopback. People and client are given as JSON in PROVIDER.
import Provider from 'oidc-provider';

const { port, client, people } = JSON.parse(process.env.PROVIDER);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [client],
  cookies: { keys: ['for tests on loopback alone'] },
  claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: true } },
  pkce: { required: () => true },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, ...(people[id] ?? {}) }),
  }),
});
provider.listen(port, '127.0.0.1', () => console.log(`${issuer} is ready`));
