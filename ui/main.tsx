import { createRoot } from 'react-dom/client';
import { App } from './parts/app.tsx';

createRoot(document.getElementById('root')!).render(<App />);
