export default async function tearDown() {
  await globalThis.berthControlPlane?.stop();
}
