import { createRouter, createWebHistory } from 'vue-router'
import { useAuth } from './stores/auth'
import ChatView from './views/ChatView.vue'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/login', name: 'login', component: () => import('./views/LoginView.vue'), meta: { open: true } },
    { path: '/', name: 'home', component: ChatView },
    { path: '/c/:id', name: 'chat', component: ChatView, props: true },
    { path: '/group/new', name: 'group-new', component: () => import('./views/GroupNewView.vue') },
    { path: '/group/:id', name: 'group', component: () => import('./views/GroupView.vue'), props: true },
    { path: '/join/:id?', name: 'join', component: () => import('./views/GroupJoinView.vue'), props: true },
    { path: '/settings/:section?', name: 'settings', component: () => import('./views/SettingsView.vue'), props: true },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
})

router.beforeEach(async (to) => {
  const auth = useAuth()
  if (to.meta.open)
    return auth.signedIn ? { name: 'home' } : true
  if (!auth.signedIn)
    return { name: 'login', ...(to.path === '/' ? {} : { query: { next: to.fullPath } }) }
  await auth.open()
  return true
})
